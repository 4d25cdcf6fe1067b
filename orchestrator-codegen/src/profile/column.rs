//! What type a column has, by the kinds of its cells. The script's `column_type` is the same function in Python; `tests/`
//! compares them.

use serde::{Deserialize, Serialize};

use super::kind::{Grouping, Kind, Order, classify};
use crate::rules::{TOLERANCE_SHARE, VALUES_MIN};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// No value at all.
    Empty,
    /// true, false, yes, no.
    Boolean,
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers, infinite ones too.
    Float,
    /// Days.
    Date,
    /// Days with a time.
    Datetime,
    /// Everything else.
    Text,
}

impl ColumnType {
    /// Its name in reports and scripts.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Empty => "empty",
            ColumnType::Boolean => "boolean",
            ColumnType::Integer => "integer",
            ColumnType::Float => "float",
            ColumnType::Date => "date",
            ColumnType::Datetime => "datetime",
            ColumnType::Text => "text",
        }
    }
}

/// How many cells of a column are of which kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    pub(super) missing: usize,
    pub(super) boolean: usize,
    pub(super) integer: usize,
    pub(super) float: usize,
    pub(super) code: usize,
    pub(super) text: usize,
    grouped: [usize; 3],
    date: [usize; 4],
    datetime: [usize; 4],
}

impl Kinds {
    pub(super) fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Missing => &mut self.missing,
            Kind::Boolean => &mut self.boolean,
            Kind::Integer => &mut self.integer,
            Kind::Float => &mut self.float,
            Kind::Code => &mut self.code,
            Kind::Text => &mut self.text,
            Kind::Grouped(grouping) => &mut self.grouped[grouping as usize],
            Kind::Date(order) => &mut self.date[order as usize],
            Kind::Datetime(order) => &mut self.datetime[order as usize],
        };
        *count += 1;
    }

    pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a str>, decimal_comma: bool) -> Kinds {
        let mut kinds = Kinds::default();
        for cell in cells {
            kinds.add(classify(cell, decimal_comma));
        }
        kinds
    }

    pub(super) fn values(&self) -> usize {
        let several = self.date.iter().chain(&self.datetime).chain(&self.grouped).sum::<usize>();
        self.boolean + self.integer + self.float + self.code + self.text + several
    }

    fn order(&self) -> Option<Order> {
        let at = |order: Order| self.date[order as usize] + self.datetime[order as usize];
        match at(Order::DayFirst).cmp(&at(Order::MonthFirst)) {
            std::cmp::Ordering::Greater => Some(Order::DayFirst),
            std::cmp::Ordering::Less => Some(Order::MonthFirst),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether commas group thousands here: some number shows that they do, or that the decimal mark is a point.
    fn groups(&self) -> bool {
        self.grouped[Grouping::Integer as usize]
            + self.grouped[Grouping::Float as usize]
            + self.float
            > 0
    }

    pub(super) fn column_type(&self) -> ColumnType {
        let values = self.values();
        if values == 0 {
            return ColumnType::Empty;
        }
        let order = self.order();
        let dated = |counts: &[usize; 4]| {
            let ordered =
                order.map_or(0, |order| counts[Order::Either as usize] + counts[order as usize]);
            counts[Order::Sure as usize] + ordered
        };
        let numbers = |count: usize| if self.code > 0 { 0 } else { count };
        let whole = if self.groups() {
            self.grouped[Grouping::Integer as usize] + self.grouped[Grouping::Either as usize]
        } else {
            0
        };
        let pointed = self.grouped[Grouping::Float as usize];
        let fits = [
            (ColumnType::Boolean, self.boolean),
            (ColumnType::Integer, numbers(self.integer + whole)),
            (ColumnType::Float, numbers(self.integer + self.float + whole + pointed)),
            (ColumnType::Date, dated(&self.date)),
            (ColumnType::Datetime, dated(&self.date) + dated(&self.datetime)),
        ];
        let (mut best, mut most) = fits[0];
        for (candidate, count) in fits {
            if count > most {
                (best, most) = (candidate, count);
            }
        }
        let tolerated = if values >= VALUES_MIN { (values / TOLERANCE_SHARE).max(1) } else { 0 };
        if values - most <= tolerated { best } else { ColumnType::Text }
    }

    /// Whether a column of this type takes a cell of this kind.
    pub(super) fn accepts(&self, column: ColumnType, kind: Kind) -> bool {
        let dated = |order: Order| match self.order() {
            _ if order == Order::Sure => true,
            Some(known) => order == Order::Either || order == known,
            None => false,
        };
        match (column, kind) {
            (_, Kind::Missing) | (ColumnType::Text | ColumnType::Empty, _) => true,
            (ColumnType::Boolean, Kind::Boolean)
            | (ColumnType::Integer, Kind::Integer)
            | (ColumnType::Float, Kind::Integer | Kind::Float) => true,
            (ColumnType::Float, Kind::Grouped(Grouping::Float)) => true,
            (ColumnType::Integer | ColumnType::Float, Kind::Grouped(grouping)) => {
                grouping != Grouping::Float && self.groups()
            }
            (ColumnType::Date | ColumnType::Datetime, Kind::Date(order))
            | (ColumnType::Datetime, Kind::Datetime(order)) => dated(order),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_tolerates_one_stranger_in_five_values_and_none_in_four() {
        let of = |cells: &[&str]| Kinds::of(cells.iter().copied(), false).column_type();
        assert_eq!(of(&["1", "2", "3", "4", "x"]), ColumnType::Integer);
        assert_eq!(of(&["1", "2", "3", "x"]), ColumnType::Text);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6.5"]), ColumnType::Float);
        assert_eq!(of(&["1", "2", "3", "4", "05"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "3/4/2020"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "31/4/2020", "31/5/2020"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "31/5/2020"]), ColumnType::Date);
        assert_eq!(of(&["NA", ""]), ColumnType::Empty);
        assert_eq!(of(&["1,234", "5"]), ColumnType::Text);
        assert_eq!(of(&["1,234", "5.5"]), ColumnType::Float);
        assert_eq!(of(&["1,234", "1,234,567", "-3"]), ColumnType::Integer);
    }
}
