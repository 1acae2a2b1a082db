module ask

go 1.24

require example.org/ehealthattributes v0.0.0

replace example.org/ehealthattributes => ../../../examples/go
