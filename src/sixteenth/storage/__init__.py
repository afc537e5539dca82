"""What lies on disk: atomic files, the record and folder of a run, the lock of a study."""
