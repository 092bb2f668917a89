"""People in a video: found, told apart, followed, and written down in pieces that survive a crash.

Where do I find ...
    frames in, smoothed bodies out         ``following``  Follower
    a body drawn over its frame            ``drawing``    draw_bodies
    pieces on disk, and going on from them ``store``      Store, Record
    one file of a person's whole motion    ``results``    write_people
    all of it in order                     ``run``        follow_video
"""

from pymaf_pl.footage.following import Follower
from pymaf_pl.footage.results import PersonSummary
from pymaf_pl.footage.run import Footage, follow_video
from pymaf_pl.footage.store import Store

__all__ = ["Follower", "Footage", "PersonSummary", "Store", "follow_video"]
