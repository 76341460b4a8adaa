
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


KEEP = """
CREATE FUNCTION nitro_audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is only ever added to.';
END
$$;
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION nitro_audit_keep();
"""
KEEP_NOT = "DROP TRIGGER audit_keep ON core_auditentry; DROP FUNCTION nitro_audit_keep();"


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0001_replay'),
    ]

    operations = [
        migrations.CreateModel(
            name='Office',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'permissions': [('see_contents', 'May look at what people wrote, after saying why'), ('see_sessions', 'May see live sessions'), ('close_sessions', 'May close live sessions'), ('see_cache', 'May see how full the memory for answers is'), ('clear_cache', 'May clear remembered answers'), ('see_providers', 'May see how the providers do'), ('drain_providers', 'May stop providers and let them on again'), ('export_rows', 'May export lists as CSV')],
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('actor_id', models.BigIntegerField(editable=False, null=True)),
                ('actor', models.CharField(editable=False, max_length=150, verbose_name='who')),
                ('address', models.CharField(blank=True, editable=False, max_length=64, verbose_name='from')),
                ('action', models.CharField(choices=[('contents', 'Looked at contents'), ('close', 'Closed a live session'), ('clear', 'Cleared remembered answers'), ('drain', 'Stopped a provider'), ('undrain', 'Let a provider on again'), ('bulk', 'Started a bulk action'), ('bulk_end', 'A bulk action ended'), ('bulk_cancel', 'Cancelled a bulk action'), ('export', 'Took an export')], editable=False, max_length=12, verbose_name='what')),
                ('target', models.CharField(blank=True, editable=False, max_length=200, verbose_name='on what')),
                ('reason', models.TextField(blank=True, editable=False, verbose_name='why')),
                ('details', models.JSONField(blank=True, default=dict, editable=False)),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'indexes': [models.Index(models.F('at'), name='audit_at'), models.Index(models.F('actor'), models.F('at'), name='audit_actor'), models.Index(models.F('action'), models.F('at'), name='audit_action'), models.Index(models.F('target'), models.F('at'), name='audit_target')],
            },
        ),
        migrations.CreateModel(
            name='BulkJob',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=40)),
                ('label', models.CharField(max_length=120, verbose_name='what')),
                ('options', models.JSONField(blank=True, default=dict)),
                ('actor_id', models.BigIntegerField(editable=False, null=True)),
                ('actor', models.CharField(max_length=150, verbose_name='who')),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=9)),
                ('total', models.PositiveBigIntegerField(default=0)),
                ('done', models.PositiveBigIntegerField(default=0, help_text='Rows looked at')),
                ('changed', models.PositiveBigIntegerField(default=0, help_text='Rows that were changed, or written into the file')),
                ('parts', models.PositiveIntegerField(default=0, help_text='Pieces of the file, where it makes one')),
                ('problem', models.TextField(blank=True)),
                ('cancel_requested', models.BooleanField(default=False)),
                ('worker', models.CharField(blank=True, max_length=120)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'bulk action',
                'indexes': [models.Index(models.F('created_at'), name='bulk_job_age'), models.Index(models.F('created_at'), condition=models.Q(('state__in', ['queued', 'running'])), name='bulk_job_open')],
            },
        ),
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=64)),
                ('job', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='core.bulkjob')),
            ],
            options={
                'indexes': [models.Index(models.F('job'), models.F('id'), name='bulk_item_next')],
            },
        ),
        migrations.RunSQL(KEEP, KEEP_NOT),
    ]
