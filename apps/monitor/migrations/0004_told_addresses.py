
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitor', '0003_alerts'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='told',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='The addresses that have it, where it goes to several'),
        ),
    ]
