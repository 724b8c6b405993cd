"""A repository of detections: new projects and their pipelines."""
