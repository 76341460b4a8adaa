from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='asked_by',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='The request that set it off', max_length=64),
        ),
    ]
