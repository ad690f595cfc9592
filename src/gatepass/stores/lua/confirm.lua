-- Changes nothing, but a WAIT after it covers every write of the partition before it.
-- KEYS: 3 a key that is never there: a member of a cluster that moves the partition refuses it.
touch()
return held('all')
