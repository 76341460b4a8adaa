"""What both sides of the wall know: how an ear may be used. Imports nothing, so that either side may read it."""

MOST_STREAMS = 3  # side by side in one process
LONGEST_UTTERANCE = 30.0  # seconds; then it ends, pause or not
