module example.org/corner

go 1.26
