"""The declarative base of the package's models.

A model here is an ordinary, statically typed class, yet importing it maps nothing: the tables it refers to belong to
the CRM, which names them in :func:`bind`.  Binding maps every model with a registry of our own onto the *CRM's*
metadata.  So our tables are created, migrated and joined like the CRM's, and our class names never collide with its.
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


def bind(metadata: sa.MetaData, crm: CRMModels) -> None:
    """Map the package's models onto ``metadata``; a process has one CRM, with any number of apps.

    Raises :class:`BookingConfigError` when there is another one already, or when :func:`check_keys` does.
    """
    check_keys(metadata, crm)
    if Model._bound_to is None:
        registry = so.registry(metadata=metadata, type_annotation_map={dt.datetime: UTCDateTime()})
        Model._bound_to = (metadata, crm)
        for model in Model._declared:
            _link(model, metadata, crm)
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


def check_keys(metadata: sa.MetaData, crm: CRMModels) -> None:
    """Raise :class:`BookingConfigError` when a model of the CRM can't be referred to by a foreign key."""
    for name, target in (("user", crm.user), ("contact", crm.contact), ("activity", crm.activity)):
        if target is not None:
            _key_of(name, target, metadata)


def _key_of(name: str, target: type[t.Any], metadata: sa.MetaData) -> sa.Column[t.Any]:
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
    if key.table.metadata is not metadata:
        raise BookingConfigError(
            f"crm.{name}: {target.__name__} belongs to other metadata than db.metadata, and foreign keys can't lead "
            "there: give init_app a db made with its base (SQLAlchemy(model_class=Base) or "
            "SQLAlchemy(metadata=Base.metadata)), and models without a __bind_key__"
        )
    return t.cast("sa.Column[t.Any]", key)


def _link(model: type[Model], metadata: sa.MetaData, crm: CRMModels) -> None:
    """Give ``model`` its foreign keys to ``crm``, or leave out those the CRM lacks."""
    for name, attribute in list(vars(model).items()):
        named = attribute.column if isinstance(attribute, so.MappedColumn) else attribute
        info = getattr(named, "info", {})
        if not isinstance(info, dict) or "crm_model" not in info:
            continue
        kind = info["crm_model"]
        target = getattr(crm, kind)
        if target is None:
            setattr(model, name, None)
            del model.__annotations__[name]
        elif isinstance(attribute, so.MappedColumn):
            table = model.__tablename__
            reference = sa.ForeignKey(
                _key_of(kind, target, metadata), ondelete=info["ondelete"], name=sa.schema.conv(f"fk_{table}_{name}")
            )
            attribute.column.append_foreign_key(reference)
            if info["indexed"]:
                model.__table_args__ = (*model.__table_args__, sa.Index(f"ix_{table}_{name}", name))
