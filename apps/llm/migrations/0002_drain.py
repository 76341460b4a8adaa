
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('llm', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Drain',
            fields=[
                ('kind', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('reason', models.CharField(help_text='What people are told', max_length=200)),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'db_table': 'nitro_provider_drain',
            },
        ),
    ]
