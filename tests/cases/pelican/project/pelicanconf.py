#!/usr/bin/env python
"""SITENAME = 'not this'"""
SITENAME = 'Ebb Letters'
TIMEZONE = 'Europe/Lisbon'
ARTICLE_SAVE_AS = '{date:%Y}/{category}/{slug}/index.html'
ARTICLE_URL = ARTICLE_SAVE_AS.replace('index.html', '')
ARTICLE_URL = 'letters/{date:%Y}/{category}/{slug}/'
FILENAME_METADATA = r'(?P<date>\d{4}-\d{2}-\d{2})_(?P<number>\d+)'
