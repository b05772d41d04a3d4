// Package book is the process of an import of an existing customer book: the
// table of a batch, the acts on it, its rows and what is wrong with them.
package book
