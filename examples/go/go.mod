module example.org/ehealthattributes

go 1.24
