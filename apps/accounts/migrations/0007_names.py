
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_lists'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='apikey',
            options={'ordering': ['-created'], 'verbose_name': 'API key'},
        ),
        migrations.AlterModelOptions(
            name='dailyusage',
            options={'verbose_name': 'daily usage', 'verbose_name_plural': 'daily usage'},
        ),
        migrations.AlterModelOptions(
            name='delivery',
            options={'verbose_name_plural': 'deliveries'},
        ),
    ]
