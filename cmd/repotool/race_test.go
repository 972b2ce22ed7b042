//go:build race

package main

// seldom: with the race detector the program takes five times as long to start, and make
// faults runs without it.
const seldom = 6
