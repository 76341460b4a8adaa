
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_reading_speech_and_search'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='dailyusage',
            index=models.Index(models.F('day'), models.F('user'), name='usage_by_day'),
        ),
    ]
