
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('images', '0002_keeping'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='image',
            index=models.Index(models.F('created_at'), name='image_age'),
        ),
        migrations.AddIndex(
            model_name='imagejob',
            index=models.Index(models.F('created_at'), name='image_job_age'),
        ),
    ]
