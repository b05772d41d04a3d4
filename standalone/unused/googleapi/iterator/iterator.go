// Package iterator stands in for the iterators of Google's clients, none of
// which this build carries.
package iterator

import "errors"

// Done is what no iterator of this build ever answers.
var Done = errors.New("no more items")
