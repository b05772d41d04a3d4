// Command standalone runs the whole of kamflow on one machine.
package main

func main() {}
