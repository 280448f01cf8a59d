"""TikTok's rules for answering a customer: for how long, how often, and in how many characters.

https://business-api.tiktok.com/portal/docs?id=1832184403754242
"""

from datetime import datetime, timedelta
from typing import Final

from schemas.replies.records import Thread

#: For so long after a customer's last message a business may answer.
WINDOW: Final = timedelta(hours=48)
#: Clocks differ, and a call takes its time.
MARGIN: Final = timedelta(seconds=60)
#: TikTok takes ten messages a window.
QUOTA: Final = 10
#: The last one is kept for saying that a person takes over.
QUOTA_OF_MOST: Final = 9
#: A text message's most characters.
LONGEST: Final = 6000


def closes_at(thread: Thread) -> datetime | None:
    """Return the first moment at which nothing may be sent any more; None where the customer never wrote."""
    return thread.last_inbound_at + WINDOW - MARGIN if thread.last_inbound_at else None


def is_open(thread: Thread, now: datetime) -> bool:
    """Tell whether a customer may be written to, as far as time goes."""
    end = closes_at(thread)
    return end is not None and now <= end
