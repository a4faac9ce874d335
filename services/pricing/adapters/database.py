"""The SQL database of pricing: SQLite in a file, or PostgreSQL; one writer at a time, consistent reads."""

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    Text,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from services.pricing.adapters import migrate, tables
from services.pricing.config import Config

_SCHEMA_LOCK: Final = 7_221_937  # any number that no other program of the database locks
_BUSY_SECONDS: Final = 60


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+pysqlite:///{path}"


def database_url(config: Config) -> str:
    """The URL of the settings' database."""
    url = config.database_url.get_secret_value()
    return url or sqlite_url(config.home / "pricing" / "pricing.db")


class Database:
    """Opens, creates tables, and gives out transactions. Every method may be called from any thread."""

    def __init__(self, url: str) -> None:
        """Raises sqlalchemy.exc.ArgumentError for a URL that is none. Connects with the first use."""
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+pg8000")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._writing = threading.RLock()
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=not self.is_sqlite)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def create(self) -> None:
        """Brings the tables to this program's shape. Raises RuntimeError when a newer program made them."""
        with self._begin() as connection:
            if not self.is_sqlite:  # several replicas may start at once
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
            migrate.upgrade(connection)

    def ping(self) -> None:
        """Raises sqlalchemy.exc.SQLAlchemyError when the database does not answer."""
        with self.read() as connection:
            connection.execute(select(literal(1)))

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; no other writes at the same time, in this process or another."""
        with self._begin() as connection:
            if not self.is_sqlite:  # the row is everybody's lock
                name = tables.counters.c.name
                connection.execute(select(tables.counters).where(name == tables.REVISION).with_for_update())
            yield connection

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._writing, self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """All statements of the block see one moment."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def among(self, column: ColumnElement[Any], ids: Collection[str]) -> ColumnElement[bool]:
        """Whether a text column holds one of many values; one statement for any number of them."""
        if self.is_sqlite:
            values = func.json_each(bindparam(None, _json(ids), type_=Text)).table_valued("value")
            return column.in_(select(values.c.value))
        return column == any_(bindparam(None, list(ids), type_=ARRAY(Text)))

    def put(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Inserts rows, or replaces those with the same key. Every row has every column."""
        insert = self._insert(table)
        names = [column.name for column in table.columns if not column.primary_key]
        changes = {name: insert.excluded[name] for name in names}
        keys = list(table.primary_key)
        self._many(connection, insert.on_conflict_do_update(index_elements=keys, set_=changes), rows)

    def append(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Inserts rows; raises sqlalchemy.exc.IntegrityError for a key that is there."""
        self._many(connection, self._insert(table), rows)

    def _many(self, connection: Connection, insert: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hands rows straight to the driver: a year of orders is millions of them."""
        if not rows:
            return
        compiled: Any = insert.compile(self.engine)
        if compiled.positional:
            values = [tuple(map(row.__getitem__, compiled.positiontup)) for row in rows]
            connection.exec_driver_sql(str(compiled), values)
        else:
            connection.exec_driver_sql(str(compiled), [dict(row) for row in rows])

    def _insert(self, table: Table) -> Any:
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def counter(self, connection: Connection, name: str) -> int:
        """A counter's value."""
        counters = tables.counters
        return int(connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar_one())


def _json(ids: Collection[str]) -> str:
    return json.dumps(list(ids), ensure_ascii=False)


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {_BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
