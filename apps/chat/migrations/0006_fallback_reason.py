
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0005_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='turn',
            name='fallback_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text="Why that one rested, in an administrator's words", max_length=200),
        ),
    ]
