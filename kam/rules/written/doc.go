// Package written brings text as people write it to the form in which it is
// compared: plain characters, words, folded letters.
package written
