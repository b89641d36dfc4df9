"""Files of tracks that labelling tools and data sets share: YouTube-VIS's json and CVAT's xml."""
