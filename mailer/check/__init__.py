"""What is wrong before it is sent; ids are those of the catalogue and are never reused."""
