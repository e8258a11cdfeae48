"""Another program that writes: it sells a pot of each tea, and knows nothing of the instances and their cache.

python3 writer.py postgres://ann@localhost/shop
"""

import sys

import psycopg

with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("UPDATE stock SET pots = pots - 1")
