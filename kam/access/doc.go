// Package access says who may: the actions, the matrix of permissions as data,
// and [Permit], the one function that reads it. Who is away, who stands in for
// him, and for what, is part of it ([Absence], [Proxy]). Which roles a person may not
// hold together is here too; who is too close to a case to decide it is a fact
// of the case, and stands with it.
package access
