"""Operators and functions that fit better than PostgreSQL's own, as a stranger could plant them."""

from typing import Final

from tests.servers.postgres import PostgresServer

STRANGER: Final = "mallory"

_TYPES: Final = (
    *("int4", "int8", "numeric", "float8", "text", "varchar", "name", "bytea", "bool"),
    *("xid8", "oid", "json", "text[]", "timestamptz"),
)
_OPERATORS: Final = ("+", "-", "*", "/", "||", "=", "<>", "<", "<=", ">", ">=", "->>")
_FUNCTIONS: Final = (
    *("abs", "cardinality", "convert_from", "convert_to", "current_setting", "floor"),
    *("hashtextextended", "json_agg", "json_array_elements", "pg_advisory_xact_lock", "pg_notify"),
    *("pg_snapshot_xip", "pg_snapshot_xmin", "pg_visible_in_snapshot", "string_agg", "unnest"),
    *(
        "array_agg",
        "count",
        "clock_timestamp",
        "now",
        "lower",
        "set_config",
        "decode",
        "max",
        "greatest",
    ),
)
_OF_MANY: Final = (
    "json_build_array(text, int8, text, text, int8)",
    "set_config(text, varchar, bool)",
    "set_config(varchar, text, bool)",
)
_LIKE_OURS: Final = (
    "gatepass_log(text, text, int4, int8)",
    "gatepass_now(int4)",
    "gatepass_trim(int4)",
    "gatepass_end(text[], varchar, int8)",
    "gatepass_epoch(varchar)",
    "gatepass_superseded(bytea, int4, int8, int8)",
    "gatepass_raise_access_life(int4)",
    "gatepass_lock_limits(jsonb)",
    "gatepass_slid_limits(json, int4)",
    "gatepass_give_back(json, int4, bool)",
)

_PLANT: Final = f"""
DO $plant$
DECLARE
  v_left text;
  v_right text;
  v_name text;
  v_body text := ' LANGUAGE plpgsql AS ''BEGIN RAISE ''''planted''''; END''';
BEGIN
  FOREACH v_left IN ARRAY '{{{",".join(_TYPES)}}}'::text[] LOOP
    FOREACH v_name IN ARRAY '{{{",".join(_FUNCTIONS)}}}'::text[] LOOP
      IF to_regprocedure(format('pg_catalog.%s(%s)', v_name, v_left)) IS NULL THEN
        EXECUTE format('CREATE FUNCTION {{s}}.%s(%s) RETURNS %s', v_name, v_left, v_left) || v_body;
      END IF;
    END LOOP;
    FOREACH v_right IN ARRAY '{{{",".join(_TYPES)}}}'::text[] LOOP
      EXECUTE format('CREATE FUNCTION {{s}}.trap(%s, %s) RETURNS bool', v_left, v_right) || v_body;
      FOREACH v_name IN ARRAY '{{{",".join(_OPERATORS)}}}'::text[] LOOP
        IF to_regoperator(format('pg_catalog.%s(%s,%s)', v_name, v_left, v_right)) IS NULL THEN
          EXECUTE format('CREATE OPERATOR {{s}}.%s (FUNCTION = {{s}}.trap, LEFTARG = %s,'
            ' RIGHTARG = %s)', v_name, v_left, v_right);
        END IF;
      END LOOP;
      FOREACH v_name IN ARRAY '{{{",".join(_FUNCTIONS)}}}'::text[] LOOP
        IF to_regprocedure(format('pg_catalog.%s(%s,%s)', v_name, v_left, v_right)) IS NULL THEN
          EXECUTE format('CREATE FUNCTION {{s}}.%s(%s, %s) RETURNS bool',
            v_name, v_left, v_right) || v_body;
        END IF;
      END LOOP;
    END LOOP;
  END LOOP;
  FOREACH v_name IN ARRAY '{{{",".join(f'"{each}"' for each in (*_OF_MANY, *_LIKE_OURS))}}}'::text[]
  LOOP
    EXECUTE format('CREATE FUNCTION {{s}}.%s RETURNS int8', v_name) || v_body;
  END LOOP;
END $plant$
"""


def plant(server: PostgresServer, database: str, schema: str) -> None:
    """Have the stranger plant all of it in a schema where it may make objects.

    Each raises an error when it is run, which it would be as the role of the store.
    """
    if not server.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{STRANGER}'"):  # noqa: S608
        server.run(f"CREATE ROLE {STRANGER} LOGIN")
    server.run(f'GRANT USAGE, CREATE ON SCHEMA "{schema}" TO {STRANGER}', database=database)
    with server.connect(database) as connection:
        connection.execute(f"SET ROLE {STRANGER}".encode())
        connection.execute(_PLANT.replace("{s}", f'"{schema}"').encode())
