/* A program that is linked with Python's library, or with what has its name. */
int python(void);

int main(void) {
    return python();
}
