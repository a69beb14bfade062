"""`python -m bot doctor`: looks at everything that the bot needs, says what is wrong with it and what to do next.

It changes nothing. The one thing it writes is a key of Redis that lives for a minute, as `/readyz` does all the time.
"""
