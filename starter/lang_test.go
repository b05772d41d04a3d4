package main

import "github.com/kamflow/kamflow/internal/text"

// english is a starter that says what it says in English.
var english = &app{words: text.English()}
