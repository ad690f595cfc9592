"""The history of the tables; `gatepass.stores.sql.upgrade` runs it."""
