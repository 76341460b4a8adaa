from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('images', '0003_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='imagejob',
            name='asked_by',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='The request that ordered it', max_length=64),
        ),
    ]
