"""The declarative base of the package's models.

A model here is an ordinary, statically typed class, yet importing it maps nothing: the tables it refers to belong to
the CRM, which names them in :func:`bind`.  Binding maps every model with a registry of our own onto the metadata of
the *CRM's* users.  So our tables are created, migrated and joined like the CRM's, and our class names never collide
with its.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from .encryption import decrypt, encrypt
from .errors import BookingConfigError

if t.TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""The type of our own primary keys: 64 bits, and the row id on SQLite."""


@dataclasses.dataclass(frozen=True)
class CRMModels:
    """The CRM's models that ours refer to."""

    user: type[t.Any]
    contact: type[t.Any] | None = None
    activity: type[t.Any] | None = None


class UTCDateTime(sa.types.TypeDecorator[dt.datetime]):
    """An instant: aware in Python, UTC in every database; naive values are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(dt.UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


E = t.TypeVar("E", bound=enum.StrEnum)


class EnumText(sa.types.TypeDecorator[E]):
    """A :class:`enum.StrEnum` kept as its text, so that a new state needs no change of the column."""

    impl = sa.String(24)
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: E | str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> E | None:
        return None if value is None else self.kind(value)


class EncryptedText(sa.types.TypeDecorator[str]):
    """Text that is readable only with ``BOOKING_ENCRYPTION_KEYS`` (or ``SECRET_KEY`` when those aren't set)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else decrypt(value)


class Model:
    """Base of the package's models; see the module's docstring."""

    __tablename__: t.ClassVar[str]
    __table_args__: t.ClassVar[tuple[t.Any, ...]] = ()
    _declared: t.ClassVar[list[type[Model]]] = []
    _bound_to: t.ClassVar[tuple[sa.MetaData, CRMModels] | None] = None

    if t.TYPE_CHECKING:
        __table__: t.ClassVar[sa.Table]
        __mapper__: t.ClassVar[so.Mapper[t.Any]]

        def __init__(self, **columns: t.Any) -> None: ...

    def __init_subclass__(cls) -> None:
        if "__tablename__" in vars(cls):
            Model._declared.append(cls)


def crm_key(model: str, *, ondelete: str, indexed: bool = False, **options: t.Any) -> t.Any:
    """A foreign key to the CRM's ``model``, of whatever type its primary key is."""
    attribute = so.mapped_column(**options)
    attribute.column.info |= {"crm_model": model, "ondelete": ondelete, "indexed": indexed}
    return attribute


def crm_object(model: str) -> t.Any:
    """The relationship that follows the :func:`crm_key` of the same ``model``."""
    return so.relationship(lambda: getattr(bound().models, model), info={"crm_model": model})


@dataclasses.dataclass(frozen=True)
class Binding:
    """The CRM that the models of this process are mapped onto."""

    metadata: sa.MetaData
    models: CRMModels


def bound() -> Binding:
    """The CRM of this process.  Raises :class:`BookingConfigError` before the first ``init_app``."""
    if Model._bound_to is None:
        raise BookingConfigError("flask_booking's models are mapped by FlaskBooking().init_app(app, db, crm=…)")
    return Binding(*Model._bound_to)


def bind(db: SQLAlchemy, crm: CRMModels) -> None:
    """Map the package's models onto the metadata of the CRM's users; a process has one CRM, with any number of apps.

    Raises :class:`BookingConfigError` when there is another one already, when a table's name is taken, or when
    :func:`check_keys` does.
    """
    keys = check_keys(db, crm)
    metadata = keys["user"].table.metadata
    if Model._bound_to is None:
        _check_tables(metadata)
        registry = so.registry(metadata=metadata, type_annotation_map={dt.datetime: UTCDateTime()})
        Model._bound_to = (metadata, crm)
        for model in Model._declared:
            _link(model, keys)
            # As `conv`, the names are safe from the CRM's naming convention: revisions find what they were given.
            for constraint in model.__table_args__:
                constraint.name = sa.schema.conv(constraint.name)
            registry.map_declaratively(model)
            model.__table__.primary_key.name = sa.schema.conv(f"pk_{model.__tablename__}")
            # Servers set up long ago still default to latin1, which can't hold every name.
            for dialect in ("mysql", "mariadb"):
                options = model.__table__.dialect_options[dialect]
                options["charset"], options["engine"] = "utf8mb4", "InnoDB"
    elif Model._bound_to != (metadata, crm):
        raise BookingConfigError(
            "flask_booking already serves another CRM in this process: give all apps the same db and crm models"
        )


def _check_tables(metadata: sa.MetaData) -> None:
    """Raise :class:`BookingConfigError` when a name of our tables is taken."""
    prefix = f"{metadata.schema}." if metadata.schema else ""
    taken = sorted(name for name in table_names() if prefix + name in metadata.tables)
    if taken:
        raise BookingConfigError(
            f"The CRM's metadata has tables of the same names as ours already: {', '.join(taken)}. Rename yours; or, "
            "if they were read by db.reflect(), call init_app before"
        )


def check_keys(db: SQLAlchemy, crm: CRMModels) -> dict[str, sa.Column[t.Any]]:
    """The keys of the models that the CRM has, by what the models are.

    Raises :class:`BookingConfigError` when one can't be referred to by a foreign key.
    """
    return {name: _key_of(name, model, db) for name, model in vars(crm).items() if model is not None}


def key_of(model: type[t.Any]) -> sa.Column[t.Any]:
    """The primary key of one of the CRM's models, after :func:`check_keys`."""
    return t.cast("sa.Column[t.Any]", sa.inspect(model).primary_key[0])


def table_names() -> set[str]:
    """The names of the package's tables, whether a CRM is bound or not."""
    return {model.__tablename__ for model in Model._declared}


def _key_of(name: str, target: type[t.Any], db: SQLAlchemy) -> sa.Column[t.Any]:
    mapper = sa.inspect(target, raiseerr=False)
    if mapper is None:
        raise BookingConfigError(
            f"crm.{name}: {target!r} is no mapped model; pass the SQLAlchemy model of your {name}s"
        )
    key, *rest = mapper.primary_key
    if rest:
        names = ", ".join(column.name for column in mapper.primary_key)
        raise BookingConfigError(
            f"crm.{name}: the primary key of {target.__name__} has several columns ({names}); bookings can refer to "
            "one only: pass a model with a key of one column, or leave it out"
        )
    # Flask-SQLAlchemy notes in each metadata which database it is for; a plain one is for the default database.
    metadata = key.table.metadata
    if (database := metadata.info.get("bind_key")) is not None:
        leave_out = "" if name == "user" else f", or leave {target.__name__} out of CRM(…)"
        raise BookingConfigError(
            f"crm.{name}: {target.__name__} is in the database {database!r} (__bind_key__), and bookings refer to it "
            "by foreign keys from the default one. Make that database SQLALCHEMY_DATABASE_URI and name the others in "
            f"SQLALCHEMY_BINDS{leave_out}"
        )
    if "bind_key" in metadata.info and metadata is not db.metadata:
        raise BookingConfigError(
            f"crm.{name}: {target.__name__} is a model of another SQLAlchemy() object; give init_app the one it is of"
        )
    return t.cast("sa.Column[t.Any]", key)


def _link(model: type[Model], keys: t.Mapping[str, sa.Column[t.Any]]) -> None:
    """Give ``model`` its foreign keys to the CRM's ``keys``, or leave out those the CRM lacks."""
    for name, attribute in list(vars(model).items()):
        named = attribute.column if isinstance(attribute, so.MappedColumn) else attribute
        info = getattr(named, "info", {})
        if not isinstance(info, dict) or "crm_model" not in info:
            continue
        kind = info["crm_model"]
        if kind not in keys:
            setattr(model, name, None)
            del model.__annotations__[name]
        elif isinstance(attribute, so.MappedColumn):
            table = model.__tablename__
            name_of_reference = sa.schema.conv(f"fk_{table}_{name}")
            reference = sa.ForeignKey(keys[kind], ondelete=info["ondelete"], name=name_of_reference)
            attribute.column.append_foreign_key(reference)
            if info["indexed"]:
                model.__table_args__ = (*model.__table_args__, sa.Index(f"ix_{table}_{name}", name))
