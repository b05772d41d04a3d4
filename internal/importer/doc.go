// Package importer reads a file of customers and starts one case for each
// accepted row. It works in two phases, so that a file that was cut off or
// damaged starts nothing:
//
//  1. [Read] takes the whole file apart and checks its structure: encoding,
//     quotes, columns, bounds, references. One structural error refuses the
//     file, and the error names row and column.
//  2. [Plan] makes request data of each row, with the constants and formulas
//     of a defaults file, and [Run] starts the cases.
//
// A case is keyed by its row: the same row with the same defaults is the same
// case whichever file it stands in. An import that was interrupted, a file
// that was cut between two rows and the result file of an earlier run all
// start exactly what has not been started yet.
package importer
