"""What a followed video leaves behind: the overlay, the frames as they were found, and the files made of them."""
