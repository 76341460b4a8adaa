"""Options, system prompt and pin of a chat; pictures and tool calls of messages; the context of turns; the search."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

# An answer has no words until it is finished, so that the checkpoints of a running one touch no index. A tsvector holds a
# megabyte at most: 100,000 characters never need more.
WORDS = """
ALTER TABLE chat_message ADD COLUMN words tsvector GENERATED ALWAYS AS (
    CASE WHEN role = 'user' OR html_version > 0 THEN to_tsvector('simple', left(text, 100000)) END
) STORED
"""
WORDS_INDEX = "CREATE INDEX chat_message_words ON chat_message USING gin (words) WITH (gin_pending_list_limit = 256)"


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, help_text='What the file was called; only ever shown', max_length=120)),
                ('media_type', models.CharField(max_length=40)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('size', models.PositiveIntegerField(help_text='Bytes')),
                ('file', models.CharField(max_length=200)),
                ('thumbnail', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.AddField(
            model_name='conversation',
            name='options',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='Sampling, where chosen'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='pinned_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='conversation',
            name='system_prompt',
            field=models.TextField(blank=True, db_default='', max_length=8000),
        ),
        migrations.AddField(
            model_name='message',
            name='attachment_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, db_default=models.Value([], django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)), default=list, size=None),
        ),
        migrations.AddField(
            model_name='message',
            name='tool_calls',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.RunSQL(WORDS, "ALTER TABLE chat_message DROP COLUMN words"),
        migrations.RunSQL(WORDS_INDEX, "DROP INDEX chat_message_words"),
        migrations.AddField(
            model_name='turn',
            name='context_tokens',
            field=models.PositiveIntegerField(blank=True, help_text='Of the prompt and its answer', null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='context_window',
            field=models.PositiveIntegerField(blank=True, help_text='Of the model, in tokens', null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='dropped_messages',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Found no room in the prompt'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(models.F('owner'), models.OrderBy(models.F('pinned_at'), descending=True), condition=models.Q(('deleted_at', None), ('pinned_at__isnull', False)), name='conversation_pinned'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='conversation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='chat.conversation'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(models.F('created_at'), condition=models.Q(('conversation', None)), name='attachment_unsent'),
        ),
    ]
