
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0004_purging'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(models.F('created_at'), name='attachment_age'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(models.F('updated_at'), name='conversation_used'),
        ),
        migrations.AddIndex(
            model_name='turn',
            index=models.Index(models.F('created_at'), name='turn_age'),
        ),
        migrations.AddIndex(
            model_name='turn',
            index=models.Index(models.F('state'), models.F('created_at'), condition=models.Q(('state', 'done'), _negated=True), name='turn_state'),
        ),
    ]
