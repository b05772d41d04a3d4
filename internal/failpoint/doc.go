// Package failpoint lets tests kill the program at a named point of its work,
// as a machine that loses its power would. Points exist only in a program
// that was built with -tags failpoint: else Hit is empty and vanishes.
//
//	KAM_FAILPOINT=act/after-commit:3
//
// ends the process, by SIGKILL, the third time that it comes by that point.
package failpoint
