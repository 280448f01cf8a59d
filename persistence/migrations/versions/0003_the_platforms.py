"""The platforms that a storefront may have an account at: 53 rows.

`api_base_url` is left empty: an adapter knows its platform's address and version, and a row that names one overrides
it. `credential_schema` is left empty for the same reason.
"""

import sqlalchemy as sa
from alembic import op

from persistence.tables import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: code, name, category, tier, auth_type
PLATFORMS = (
    ("meta_capi", "Meta Conversions API", "advertising", 1, "access_token"),
    ("google_ads", "Google Ads", "advertising", 1, "oauth2"),
    ("ga4", "Google Analytics 4", "analytics", 1, "api_key"),
    ("tiktok_events", "TikTok Events API", "advertising", 1, "access_token"),
    ("snapchat_capi", "Snapchat Conversions API", "advertising", 1, "access_token"),
    ("pinterest_capi", "Pinterest Conversions API", "advertising", 1, "access_token"),
    ("twitter_capi", "X Conversions API", "advertising", 1, "bearer_token"),
    ("linkedin_capi", "LinkedIn Conversions API", "advertising", 1, "oauth2"),
    ("microsoft_ads", "Microsoft Advertising", "advertising", 1, "oauth2"),
    ("amazon_ads", "Amazon Ads", "advertising", 2, "oauth2"),
    ("criteo", "Criteo", "advertising", 2, "oauth2"),
    ("reddit_capi", "Reddit Conversions API", "advertising", 2, "access_token"),
    ("quora_pixel", "Quora", "advertising", 2, "api_key"),
    ("taboola", "Taboola", "advertising", 2, "oauth2"),
    ("outbrain", "Outbrain", "advertising", 2, "api_key"),
    ("trade_desk", "The Trade Desk", "advertising", 2, "api_key"),
    ("dv360", "Display & Video 360", "advertising", 2, "oauth2"),
    ("adobe_analytics", "Adobe Analytics", "analytics", 2, "oauth2"),
    ("mixpanel", "Mixpanel", "analytics", 2, "api_key"),
    ("amplitude", "Amplitude", "analytics", 2, "api_key"),
    ("segment", "Segment", "customer_data", 2, "basic_auth"),
    ("klaviyo", "Klaviyo", "engagement", 2, "api_key"),
    ("braze", "Braze", "engagement", 2, "api_key"),
    ("heap", "Heap", "analytics", 3, "api_key"),
    ("fullstory", "Fullstory", "analytics", 3, "api_key"),
    ("hotjar", "Hotjar", "analytics", 3, "api_key"),
    ("pendo", "Pendo", "analytics", 3, "api_key"),
    ("appsflyer", "AppsFlyer", "attribution", 3, "api_key"),
    ("adjust", "Adjust", "attribution", 3, "api_key"),
    ("branch", "Branch", "attribution", 3, "api_key"),
    ("kochava", "Kochava", "attribution", 3, "api_key"),
    ("singular", "Singular", "attribution", 3, "api_key"),
    ("iterable", "Iterable", "engagement", 3, "api_key"),
    ("customer_io", "Customer.io", "engagement", 3, "api_key"),
    ("intercom", "Intercom", "engagement", 3, "api_key"),
    ("hubspot", "HubSpot", "crm", 3, "oauth2"),
    ("salesforce", "Salesforce Marketing Cloud", "crm", 3, "oauth2"),
    ("mparticle", "mParticle", "customer_data", 3, "basic_auth"),
    ("treasure_data", "Treasure Data", "customer_data", 3, "api_key"),
    ("rudderstack", "RudderStack", "customer_data", 3, "api_key"),
    ("amazon_dsp", "Amazon DSP", "advertising", 3, "oauth2"),
    ("walmart_connect", "Walmart Connect", "retail_media", 3, "api_key"),
    ("instacart_ads", "Instacart Ads", "retail_media", 3, "api_key"),
    ("spotify_ads", "Spotify Ads", "advertising", 3, "oauth2"),
    ("yahoo_dsp", "Yahoo DSP", "advertising", 3, "oauth2"),
    ("mediamath", "MediaMath", "advertising", 3, "oauth2"),
    ("adroll", "AdRoll", "advertising", 3, "api_key"),
    ("stackadapt", "StackAdapt", "advertising", 3, "api_key"),
    ("verizon_media", "Verizon Media", "advertising", 3, "oauth2"),
    ("lotame", "Lotame", "data", 3, "api_key"),
    ("oracle_bluekai", "Oracle BlueKai", "data", 3, "api_key"),
    ("liveramp", "LiveRamp", "data", 3, "oauth2"),
    ("neustar", "Neustar", "data", 3, "api_key"),
)

TABLE = sa.table(
    "ad_analytics_platforms",
    sa.column("platform_code", types.Exact(50)),
    sa.column("name", types.Text(100)),
    sa.column("category", types.Text(50)),
    sa.column("tier", types.Count()),
    sa.column("auth_type", types.Text(20)),
)


def upgrade() -> None:
    # Somebody may have made some of them by hand; those are theirs.
    known = set(op.get_bind().execute(sa.select(TABLE.c.platform_code)).scalars())
    names = [column.name for column in TABLE.c]
    rows = [dict(zip(names, each, strict=True)) for each in PLATFORMS if each[0] not in known]
    if rows:
        op.bulk_insert(TABLE, rows)


def downgrade() -> None:
    # One that has accounts stays: taking it away would take what they are for.
    used = sa.text("id NOT IN (SELECT platform_id FROM platform_credentials)")
    op.execute(TABLE.delete().where(TABLE.c.platform_code.in_([each[0] for each in PLATFORMS])).where(used))
