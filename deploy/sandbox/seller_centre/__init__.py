"""A small seller centre for crawlers and chatbots to be tried on: its pages, its calls, its moods.

It follows no vendor's page by the letter: the shapes of calls are those that crawlers of the real one read, the rest is
as such sites are built: tabs, pages of 50, a virtualised table, drawers, infinite scroll, a chat with delivery state.
"""
