//go:build !race

package main

const seldom = 1
