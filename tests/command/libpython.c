/* Has the name of Python's library, and nothing else of it. */
int python(void);

int python(void) {
    return 0;
}
