"""Heads: functions of (features, boxes) that do not care where the boxes come from. A head imports no other head."""
