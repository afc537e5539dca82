"""A study as the analysis sees it, read from plain tables.

tables       `read_grid`: reads the tables, and sets aside what cannot be used
cells        runs, and the cells that they are trainings of
grid         the cells of a study, what is missing, and its other training lengths
predictions  what each run predicted of each test image
scoring      what is decided by, accuracy or balanced accuracy, and its noise over test images
trainings    how much the accuracy of another training differs
context      what the tables do not say
"""
