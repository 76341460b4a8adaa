"""Addresses of the pictures: pages, fragments, files and API."""

from __future__ import annotations

from django.urls import path

from apps.images import api, openai_api, views

app_name = "images"

urlpatterns = [
    path("images/", views.page, name="page"),
    path("images/order/", views.order, name="order"),
    path("images/jobs/<uuid:job_id>/", views.job, name="job"),
    path("images/jobs/<uuid:job_id>/cancel/", views.cancel, name="cancel"),
    path("images/jobs/<uuid:job_id>/retry/", views.retry, name="retry"),
    path("images/jobs/<uuid:job_id>/dismiss/", views.dismiss, name="dismiss"),
    path("images/jobs/<uuid:job_id>/preview/", views.preview, name="preview"),
    path("images/attached/<uuid:message_id>/", views.attached, name="attached"),
    path("images/<uuid:image_id>/", views.image, name="image"),
    path("images/<uuid:image_id>/delete/", views.image_delete, name="delete"),
    path("images/<uuid:image_id>/keep/", views.image_keep, name="keep"),
    path("images/<uuid:image_id>/restore/", views.image_restore, name="restore"),
    path("gallery/<str:name>", views.file, name="file"),
    path("api/images/", api.Jobs.as_view(), name="api-jobs"),
    path("api/images/batch/", api.JobBatch.as_view(), name="api-batch"),
    path("api/images/<uuid:job_id>/", api.OneJob.as_view(), name="api-job"),
    path("api/images/<uuid:job_id>/cancel/", api.JobCancel.as_view(), name="api-cancel"),
    path("v1/images/generations", openai_api.Generations.as_view(), name="openai-generations"),
]
