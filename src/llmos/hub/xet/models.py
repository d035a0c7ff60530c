"""Xet content as rows: blocks (xorbs), files as runs of chunks, chunks for deduplication."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Xorb(models.Model):
    """A verified block on disk; its bytes never change."""

    hash = models.CharField(max_length=64, primary_key=True)
    chunk_count = models.IntegerField()
    raw_size = models.BigIntegerField()
    stored_size = models.BigIntegerField()
    # one record a chunk: 32-byte hash, u32 end offset in the file, u32 end offset in the raw bytes
    chunks = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    unused_since = models.DateTimeField(null=True)  # garbage collection found no file using it


class XetFile(models.Model):
    hash = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)  # recomputed here, never a claim
    created_at = models.DateTimeField(default=timezone.now)


class XetTerm(models.Model):
    """A run of chunks of one xorb within a file, in order."""

    file = models.ForeignKey(XetFile, on_delete=models.CASCADE, related_name="terms")
    position = models.IntegerField()
    xorb = models.ForeignKey(Xorb, on_delete=models.PROTECT, related_name="terms")
    first_chunk = models.IntegerField()
    end_chunk = models.IntegerField()  # exclusive
    size = models.BigIntegerField()  # raw bytes

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file", "position"], name="terms_in_order")
        ]


class XetChunk(models.Model):
    """A chunk that answers global deduplication queries (one in 1,024, and each file's first)."""

    hash = models.CharField(max_length=64, primary_key=True)
    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="+")
