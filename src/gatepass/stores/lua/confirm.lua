-- Changes nothing, but a WAIT after it covers every write of the partition before it.
touch()
return held('all')
