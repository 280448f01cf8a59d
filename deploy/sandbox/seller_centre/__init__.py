"""A small seller centre for crawlers and chatbots to be tried on: its pages, its calls, its moods.

It follows https://partner.tiktokshop.com as far as that is known from outside: where its pages are, how its calls are
named and shaped. The rest is as such sites are built, with the class names of https://arco.design: tabs, pages of 50,
a virtualised table, drawers, infinite scroll, a chat with delivery state.
"""
