from pelicanconf import *
AUTHOR = 'Ann Example'
