"""`cancellations` of transactions: which lines take a purchase back, and which purchase they mean."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recomart.shop.row_filter import RowFilter


class Cancellations(BaseModel):
    """How cancellations and returns are written among order lines. One sign of several is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    negative_quantity: bool = Field(False, description="A quantity below 0.")
    order_prefix: str | None = Field(
        None, min_length=1, description="What their order ids begin with, such as the C of C536379."
    )
    where: RowFilter | None = Field(
        None, description="Texts of the source's columns that mark them, such as a type of refund."
    )
    of_order: str | None = Field(
        None,
        description="The source's column with the id of the order that is cancelled. Unset, or empty "
        "in a line: the latest earlier purchases of the same product by the same user.",
    )

    @model_validator(mode="after")
    def _some_sign(self) -> Cancellations:
        if not (self.negative_quantity or self.order_prefix or self.where):
            raise ValueError("needs negative_quantity, order_prefix or where: what marks them")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The source's columns that it names."""
        named = [self.of_order] if self.of_order else []
        return tuple(dict.fromkeys([*(self.where or ()), *named]))
